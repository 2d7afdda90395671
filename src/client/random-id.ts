/**
 * 96 random bits as text: two of them are never the same, on all machines of a network together. Not `randomUUID`, which a
 * page that came by plain HTTP does not have.
 */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
