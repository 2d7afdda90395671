// Two clients in the middle of a conversation, so that a test notices when somebody else's bytes disturb it.

import type { Client, ClientOptions, SpokeError } from 'spoke';
import { Happenings } from '../support/independent-peer/index.js';
import type { Scene } from './scene.js';

export class HealthyPair {
  readonly #asking: Client;
  readonly #errors: readonly (readonly SpokeError[])[];
  readonly #answers: unknown[] = [];
  readonly #happenings = new Happenings();
  #asked = 0;
  #disconnected = 0;

  static async join(scene: Scene, url: string, options: ClientOptions = {}): Promise<HealthyPair> {
    const asking = await scene.client(url, options);
    const answering = await scene.client(url, options);
    const pair = new HealthyPair(asking.client, [asking.errors, answering.errors]);
    for (const { client } of [asking, answering]) client.on('state', () => pair.#disconnected++);
    await answering.client.subscribe('healthy/question', async ({ body }) =>
      answering.client.publish('healthy/answer', body),
    );
    await asking.client.subscribe('healthy/answer', ({ body }) => {
      pair.#answers.push(body);
      pair.#happenings.happened();
    });
    return pair;
  }

  private constructor(asking: Client, errors: readonly (readonly SpokeError[])[]) {
    this.#asking = asking;
    this.#errors = errors;
  }

  /** How many questions were asked and answered. */
  get exchanged(): number {
    return this.#answers.length;
  }

  /**
   * Asks `count` numbered questions one after another and gets an answer to each. May be called again meanwhile.
   * @throws when one was lost, came twice or out of order, or when either client lost its connection or saw an error.
   */
  async exchange(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const number = this.#asked++;
      await this.#asking.publish('healthy/question', number);
      await this.#happenings.until(
        () => this.#answers.length > number,
        () => `the answer to question ${number}`,
      );
      if (this.#answers.length > this.#asked || this.#answers[number] !== number) {
        throw new Error(`after question ${number} came ${JSON.stringify(this.#answers.slice(number))}`);
      }
    }
    const errors = this.#errors.flat();
    if (errors.length > 0) throw new Error(`a healthy client saw: ${errors.map(({ message }) => message).join('; ')}`);
    if (this.#disconnected > 0) throw new Error('a healthy client lost its connection');
  }
}
