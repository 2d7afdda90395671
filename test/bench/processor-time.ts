// What a process has cost so far: its processor time, all threads together, as the kernel counts it, and its memory.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Whether the kernel tells about other processes here (Linux). */
export function canMeasure(): boolean {
  try {
    readFileSync('/proc/self/stat');
    return true;
  } catch {
    return false;
  }
}

/**
 * Seconds of processor time, user and system, since the process began. Exact where the kernel counts nanoseconds for each
 * thread (servers here keep theirs), in steps of 10 ms elsewhere.
 */
export function processorSeconds(pid: number): number {
  return byThreads(pid) ?? byTicks(pid);
}

/** Bytes of memory that the process itself holds at this moment (resident, without what it shares with others). */
export function residentBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kB = /^RssAnon:\s+(\d+) kB/m.exec(text)?.[1];
  return Number(kB) * 1024;
}

function byThreads(pid: number): number | undefined {
  let nanoseconds = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    }
  } catch {
    return undefined;
  }
  return nanoseconds > 0 ? nanoseconds / 1e9 : undefined;
}

let ticks = 0;
function ticksPerSecond(): number {
  if (ticks === 0) ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100;
  return ticks;
}

function byTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in brackets, which may hold anything; utime and stime are the 14th and 15th.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond();
}
