// The container's health check: exit status 0 when the service is ready.
import process from 'node:process';

const port = process.env['PORT'] ?? '3000';
const base = (process.env['TIMBRE_BASE_PATH'] ?? '').replace(/\/+$/, '');
const answer = await fetch(`http://127.0.0.1:${port}${base}/health/ready`).catch(() => undefined);
process.exitCode = answer?.ok ? 0 : 1;
