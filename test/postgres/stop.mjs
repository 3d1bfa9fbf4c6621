export default async function stop() {
  await /** @type {{ cluster?: import('./cluster.mjs').Cluster }} */ (globalThis).cluster?.remove();
}
