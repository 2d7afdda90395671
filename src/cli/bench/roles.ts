// What a thread is.

import { caller, provider } from './calls.js';
import type { Role, Task } from './messages.js';
import { publisher } from './publisher.js';
import { subscriber } from './subscriber.js';

export async function begin(task: Task, fail: (error: unknown) => void): Promise<Role> {
  switch (task.role) {
    case 'publisher':
      return publisher(task, fail);
    case 'subscriber':
      return subscriber(task, fail);
    case 'provider':
      return provider(task, fail);
    case 'caller':
      return caller(task, fail);
  }
}
