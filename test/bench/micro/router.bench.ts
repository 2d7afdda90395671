/**
 * What routing costs: nanoseconds an operation, and bytes a subscription or entry.
 *
 * npm run bench:micro -- router
 */
import { canonical, ChannelIndex, matches, Router } from '../../../src/channels/index.js';

const SUBSCRIPTIONS = 100_000;
const TARGETS = 1_000;
const HOT_CHANNELS = 5_000;

interface Target {
  received: number;
}

/** Keeps results alive, so that nothing measured is optimised away. */
let sink = 0;

function measure(name: string, count: number, operation: (i: number) => number): number {
  // The first rounds compile the code; the best of the others is the one least disturbed.
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) sink += operation(i);
    const each = Number(process.hrtime.bigint() - start) / count;
    if (round > 1) best = Math.min(best, each);
  }
  report(name, best, 'ns');
  return best;
}

function once(name: string, count: number, operation: (i: number) => number): void {
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) sink += operation(i);
  report(name, Number(process.hrtime.bigint() - start) / count, 'ns');
}

function report(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(58)}${value.toFixed(1).padStart(10)} ${unit}`);
}

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** 70 % literal, 20 % with `*`, 10 % with `**`, a tenth of these beginning with it. */
function pattern(i: number): string {
  const site = i % 500;
  const kind = i % 10;
  if (kind < 7) return `site/${site}/robot/${i}/pose`;
  if (kind < 9) return i % 20 < 10 ? `site/${site}/*/${i}/state` : `site/${site}/robot/${i}/*`;
  return i % 100 === 9 ? `**/alarm-${i}` : `site/${site}/robot/${i}/**`;
}

/** Fresh text each time, as from a decoder: its hash is not known yet. */
const fresh = (text: string): string => JSON.parse(JSON.stringify(text)) as string;

const patterns = Array.from({ length: SUBSCRIPTIONS }, (_, i) => fresh(pattern(i)));
const targets = Array.from({ length: TARGETS }, (): Target => ({ received: 0 }));
const targetOf = (i: number): Target => targets[i % TARGETS] ?? { received: 0 };
const hot = Array.from({ length: HOT_CHANNELS }, (_, i) => fresh(`site/${(i * 20) % 500}/robot/${i * 20}/pose`));
const hotChannel = (i: number): string => hot[i % HOT_CHANNELS] ?? '';

function fill(router: Router<Target>): void {
  patterns.forEach((text, i) => router.subscribe(text, targetOf(i)));
}

/** Compiles the code, in a frame that keeps nothing alive. */
function warmUp(): void {
  const router = new Router<Target>();
  fill(router);
  sink += router.route(hotChannel(0)).length;
}

function subscribing(): void {
  warmUp();
  const before = heapBytes();
  const router = new Router<Target>();
  once('subscribe, 100,000 by 1,000 targets', SUBSCRIPTIONS, (i) =>
    router.subscribe(patterns[i] ?? '', targetOf(i)) ? 1 : 0,
  );
  report('memory of a subscription', (heapBytes() - before) / SUBSCRIPTIONS, 'bytes');
  report('nodes of the wildcard tree', router.trie.nodeCount, '');
  once('unsubscribe', SUBSCRIPTIONS, (i) => (router.unsubscribe(patterns[i] ?? '', targetOf(i)) ? 1 : 0));
  report('memory left behind, in all', heapBytes() - before, 'bytes');
}

function oneTargetEach(): void {
  const before = heapBytes();
  const router = new Router<Target>();
  const own = patterns.map((): Target => ({ received: 0 }));
  const ownBytes = (heapBytes() - before) / SUBSCRIPTIONS;
  patterns.forEach((text, i) => router.subscribe(text, own[i] ?? targetOf(i)));
  const each = (heapBytes() - before) / SUBSCRIPTIONS - ownBytes;
  report('memory of a subscription, one for each target', each, 'bytes');
  sink += own.length + router.size;
}

function routingCached(): void {
  const router = new Router<Target>();
  fill(router);
  const one = hotChannel(1);
  measure('route, cached, one channel', 5_000_000, () => router.route(one).length);
  measure('route, cached, 5,000 channels', 5_000_000, (i) => router.route(hotChannel(i)).length);
  measure('route, cached, 5,000 channels, plus 1 in 10 seen once', 1_000_000, (i) =>
    i % 10 === 0 ? router.route(`once/${sink}/${i}`).length : router.route(hotChannel(i)).length,
  );
  const stranger: Target = { received: 0 };
  measure('literal subscribe + route + unsubscribe, as a call does', 200_000, (i) => {
    const channel = `square/-rpc/0123456789abcdef/${i}/result`;
    router.subscribe(channel, stranger);
    const found = router.route(channel).length;
    router.unsubscribe(channel, stranger);
    return found;
  });
  measure('route, cached, a foreign wildcard changes every 10th time', 1_000_000, (i) => {
    if (i % 20 === 0) router.subscribe('other/*', stranger);
    else if (i % 10 === 0) router.unsubscribe('other/*', stranger);
    return router.route(hotChannel(i)).length;
  });
}

function routingUncached(): void {
  const router = new Router<Target>({ maxCachedChannels: 0 });
  fill(router);
  measure('route, not cached, one target', 300_000, (i) => router.route(hotChannel(i)).length);
  measure('route, not cached, nobody', 300_000, (i) => router.route(`what/${i}/ever`).length);
  for (let i = 0; i < 100; i++) router.subscribe('site/0/**', targetOf(i * 7));
  const crowded = hotChannel(0);
  measure('route, not cached, 100 targets', 30_000, () => router.route(crowded).length);
}

function texts(): void {
  measure('canonical, of canonical text', 3_000_000, (i) => canonical(hotChannel(i)).length);
  measure('canonical, of other text', 500_000, () => canonical('/site//1/**/*/robot').length);
  measure('matches, literal beginning differs', 3_000_000, (i) => (matches('other/*', hotChannel(i)) ? 1 : 0));
  measure('matches, with ** in the middle', 2_000_000, (i) => (matches('site/**/pose', hotChannel(i)) ? 1 : 0));
}

function indexing(): void {
  const channels = patterns.map((_, i) => fresh(`site/${i % 500}/robot/${i}/pose`));
  const before = heapBytes();
  const index = new ChannelIndex<Target>();
  once('ChannelIndex set, 100,000 entries', SUBSCRIPTIONS, (i) => {
    index.set(channels[i] ?? '', targetOf(i));
    return 1;
  });
  report('memory of an entry', (heapBytes() - before) / SUBSCRIPTIONS, 'bytes');
  measure('get', 1_000_000, (i) => (index.get(channels[i % SUBSCRIPTIONS] ?? '') ? 1 : 0));
  measure('match site/7/** (200 entries)', 1_000, () => index.match('site/7/**').length);
  measure('match site/7/robot/*/pose (200 entries)', 1_000, () => index.match('site/7/robot/*/pose').length);
  measure('match ** (100,000)', 5, () => index.match('**').length);
  measure('match **/pose (100,000)', 5, () => index.match('**/pose').length);
  measure('match site/** (100,000, out of order in the tree)', 5, () => index.match('site/**').length);
  measure('delete and set', 100_000, (i) => {
    const channel = channels[i] ?? '';
    index.delete(channel);
    index.set(channel, targetOf(i));
    return 1;
  });
}

for (const section of [subscribing, oneTargetEach, routingCached, routingUncached, texts, indexing]) section();
console.log(`\nNode ${process.version}, ${sink > 0 ? 'done' : 'nothing measured'}`);
