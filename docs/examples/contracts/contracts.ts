// What robots and their station have agreed on: docs/guide/contracts.md. Both programs import this file.

import { channel, method, service } from 'spoke';
import * as z from 'zod';

const Pose = z.object({ x: z.number(), y: z.number() });

/** Where a robot is. */
export const pose = channel('robots/:id/pose', Pose, { persist: true, description: 'where a robot is, in metres' });

/** What robots complain of. */
export const complaints = channel('robots/:id/complaints/:part*', z.string().min(1));

/** What can be asked of a robot. */
export const drive = service('robots/:id/drive', {
  goTo: method(Pose, z.object({ metres: z.number() }), { description: 'drives there, and says how far it was' }),
  stop: method(),
});
