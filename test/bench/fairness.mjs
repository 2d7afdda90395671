/* oxlint-disable no-restricted-properties, unicorn/no-process-exit -- a program that ends its children */
// What others feel while somebody floods, opens and leaves, stalls or never ends a handshake. Needs `npm run build`; then
// `node test/bench/fairness.mjs [scene] [seconds] [amount]`. Broker, abusers and the pair that is measured are three processes.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const [scene = 'flood', secondsText = '5', amountText = '1'] = process.argv.slice(2);
const seconds = Number(secondsText);
const amount = Number(amountText);
const here = fileURLToPath(import.meta.url);

const frame = (channel, body, head = {}) => `${JSON.stringify({ head: { channel, ...head }, body })}\0`;

function socketTo(port) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  return socket;
}

/** Writes the same bytes for as long as they are taken. */
function flood(port, bytes) {
  const socket = socketTo(port);
  const write = () => {
    while (socket.writable && socket.write(bytes));
  };
  socket.on('connect', write).on('drain', write);
  socket.resume();
}

const SCENES = {
  none() {},
  // Small messages that nobody wants.
  flood(port) {
    for (let n = 0; n < amount; n++) flood(port, Buffer.from(frame('flood', 0).repeat(2000)));
  },
  // Rubbish, each piece of which is refused.
  rubbish(port) {
    for (let n = 0; n < amount; n++) flood(port, Buffer.from('{"x\0'.repeat(20_000)));
  },
  // Messages to subscribers that read.
  fan(port) {
    for (let n = 0; n < 10; n++) {
      const socket = socketTo(port);
      socket.write(frame('-control/subscribe', 'flood'));
      socket.resume();
    }
    for (let n = 0; n < amount; n++) flood(port, Buffer.from(frame('flood', 'x'.repeat(100)).repeat(500)));
  },
  // Subscriptions that come and go.
  subscriptions(port) {
    let bytes = '';
    for (let n = 0; n < 500; n++) {
      bytes += frame('-control/subscribe', `a/*/${n}/**`) + frame('-control/unsubscribe', `a/*/${n}/**`);
    }
    flood(port, Buffer.from(bytes));
  },
  // Connections that open and vanish, `amount` a second.
  vanish(port) {
    let count = 0;
    const timer = setInterval(() => {
      for (let n = 0; n < amount / 20; n++) {
        const socket = socketTo(port);
        socket.on('connect', () => {
          socket.write(frame('-control/subscribe', 'vanish'));
          count++;
          socket.resetAndDestroy();
        });
      }
    }, 50);
    process.on('SIGTERM', () => {
      clearInterval(timer);
      console.log(JSON.stringify({ vanished: count }));
      process.exit();
    });
  },
  // First messages that never end.
  handshakes(port) {
    for (let n = 0; n < amount; n++) socketTo(port).write('{"head": {"chan');
  },
  // 50 MB of kept messages to readers that take nothing.
  replay(port) {
    const socket = socketTo(port);
    const body = 'x'.repeat(50_000);
    for (let n = 0; n < 1000; n++) socket.write(frame(`kept/${n}`, body, { persist: true }));
    socket.resume();
    for (let n = 0; n < amount; n++) {
      const slow = socketTo(port);
      slow.pause();
      setTimeout(() => slow.write(frame('-control/subscribe', 'kept/**')), 1000);
    }
  },
};

async function line(child) {
  for await (const chunk of child.stdout) return JSON.parse(String(chunk).split('\n')[0]);
}

async function roundTrips(port) {
  const [a, b] = [socketTo(port), socketTo(port)];
  a.setNoDelay(true);
  b.setNoDelay(true);
  const times = [];
  let resolve;
  b.on('data', () => b.write(frame('pong', 0)));
  a.on('data', () => resolve());
  b.write(frame('-control/subscribe', 'ping'));
  a.write(frame('-control/subscribe', 'pong'));
  await new Promise((done) => setTimeout(done, 1500));
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    const start = performance.now();
    const answered = new Promise((done) => (resolve = done));
    a.write(frame('ping', 0));
    await answered;
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 2));
  }
  times.sort((x, y) => x - y);
  const at = (share) => Number(times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(2));
  return { count: times.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

if (process.env.FAIRNESS_ROLE === 'abuser') {
  SCENES[scene](Number(process.env.FAIRNESS_PORT));
  process.on('disconnect', () => process.exit());
} else if (process.env.FAIRNESS_ROLE === 'broker') {
  const { Broker } = await import('../../dist/index.js');
  const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0' });
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  console.log(JSON.stringify({ port: Number(new URL(broker.addresses[0]).port) }));
  process.on('message', () => {
    process.send({
      ...broker.stats,
      cpu: Math.round((process.cpuUsage().user + process.cpuUsage().system) / 1000),
      loopP99: delay.percentile(99) / 1e6,
      rss: Math.round(process.memoryUsage().rss / 2 ** 20),
    });
    process.exit();
  });
} else {
  const child = (role, port) =>
    spawn(
      process.execPath,
      [
        ...(process.env.PROF && role === 'broker' ? ['--cpu-prof', '--cpu-prof-dir=' + process.env.PROF] : []),
        here,
        ...process.argv.slice(2),
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        env: { ...process.env, FAIRNESS_ROLE: role, FAIRNESS_PORT: String(port) },
      },
    );
  const broker = child('broker', 0);
  const { port } = await line(broker);
  const abuser = child('abuser', port);
  abuser.stdout.on('data', (text) => process.stdout.write(String(text)));
  const result = await roundTrips(port);
  abuser.kill('SIGTERM');
  const stats = await new Promise((done) => {
    broker.on('message', done);
    broker.send('stats');
  });
  console.log(JSON.stringify({ scene, amount, ...result }));
  console.log(JSON.stringify(stats));
  process.exit();
}
