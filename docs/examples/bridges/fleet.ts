// A station and its robots, each with a broker of its own: docs/bridges.md.

import { Bridge, Proxy } from 'spoke';
import type { BridgeOptions, ProxyOptions } from 'spoke';

/** Shows a robot to the station below `robots/<name>`, and lets the station send it goals and call it. */
export function robotBridge(
  name: string,
  station: string,
  robot: string,
  options: Partial<BridgeOptions> = {},
): Bridge {
  return new Bridge({
    url1: station,
    url2: robot,
    map: [{ prefix1: `robots/${name}`, prefix2: '' }],
    // The camera alone would fill the radio link.
    exclude: [{ pattern: 'camera/**', from: 2 }],
    ...options,
  });
}

/** Lets visitors see where the robots are, and nothing else. */
export function visitorsProxy(station: string, listen: string, options: Partial<ProxyOptions> = {}): Proxy {
  return new Proxy({ url: station, listen, channels: ['robots/*/pose', 'robots/*/name'], ...options });
}
