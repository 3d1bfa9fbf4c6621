import { createHmac } from 'node:crypto';

/** As receivers are given it: the bytes in base64 behind a mark. */
export function secretText(secret: Buffer): string {
  return `whsec_${secret.toString('base64')}`;
}

/**
 * The headers of a delivery, after the Standard Webhooks specification: an HMAC-SHA256 of id, time and body under the
 * secret, so that whoever has the secret can tell that the service sent it, and when.
 */
export function signedHeaders(secret: Buffer, id: string, body: string, at: Date): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}
