// The container's health check: exit status 0 when the service is ready.
import process from 'node:process';

const port = process.env['PORT'] ?? '3000';
const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
process.exitCode = answer?.ok ? 0 : 1;
