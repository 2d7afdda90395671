// How a broker that ends says so (docs/protocol.md#feature-closing).

/** Broker to a client, last of all: it is to send nothing more on this connection, and to end it. */
export const CLOSING = '-control/closing';
