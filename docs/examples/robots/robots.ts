// A display of robots: the newest pose of each, who is there, and who was lost.

import type { Client, PresenceNews, Will } from 'spoke';

/** What a robot leaves with the broker when it connects. */
export const willOf = (name: string): Will => ({ channel: `status/${name}`, body: 'lost', persist: true });

/** The newest pose of each robot, however slow the display is. */
export async function watchPoses(client: Client, show: (robot: string, pose: unknown) => void): Promise<void> {
  await client.subscribe('poses/*', ({ channel, body }) => show(channel.slice('poses/'.length), body), {
    slow: 'latest',
    missed: (count) => show('(missed)', count),
  });
}

/** Who comes and who goes. */
export async function watchPeople(client: Client, say: (text: string) => void): Promise<void> {
  await client.presence.watch(({ joined, left }: PresenceNews) => {
    for (const { name, address } of joined) say(`${name ?? address} is there`);
    for (const id of left) say(`${id} has gone`);
  });
}
