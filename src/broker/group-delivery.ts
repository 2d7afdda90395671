// One message to one member of each group that wants it, or of the one that another broker has chosen.

import type { GroupRoute, Router } from '../channels/index.js';
import type { Codec, MessageView } from '../contracts/index.js';
import type { Bridging } from './control/bridging.js';
import type { Grouping } from './control/grouping.js';
import type { Session } from './session.js';

export interface GroupDeliveryParts {
  readonly router: Router<Session>;
  readonly grouping: Grouping;
  readonly bridging: Bridging;
}

export class GroupDelivery {
  readonly #parts: GroupDeliveryParts;

  constructor(parts: GroupDeliveryParts) {
    this.#parts = parts;
  }

  /** @param groups - those with members here. */
  deliver(from: Session, groups: readonly GroupRoute<Session>[], view: MessageView, time: number, codec: Codec): void {
    const { bridging, grouping } = this.#parts;
    if (bridging.chooses(from)) return;
    const beyond = bridging.groups(view.head.channel);
    grouping.deliver(groups, beyond, from, view, time, codec);
  }

  /** Whether it is for a member of a group, by the choice of another broker, and nobody else. */
  pass(from: Session, view: MessageView, time: number, codec: Codec): boolean {
    const { bridging, grouping, router } = this.#parts;
    const { channel } = view.head;
    const group = bridging.groupOf(from, view);
    if (group === undefined) return false;
    const { groups } = router.find(channel);
    grouping.deliverTo(group, groups, bridging.groups(channel), from, view, time, codec);
    return true;
  }
}
