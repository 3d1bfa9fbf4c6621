import { useQuery } from '@tanstack/react-query';
import type { Answer, TimbreClient } from '../../client/index.js';
import { useApi } from './context.js';

/** The synthetic recordings that the service brings, which never change; undefined while they are asked for. */
export function useSamples(): Answer<'listSamples'>['samples'] | undefined {
  const api = useApi();
  const list = useQuery({ queryKey: ['samples'], queryFn: () => api.call('listSamples'), staleTime: Infinity });
  return list.isPending ? undefined : (list.data?.samples ?? []);
}

export async function sampleFile(api: TimbreClient, name: string): Promise<File> {
  const content = await new Response(await api.call('getSample', { name })).arrayBuffer();
  return new File([content], name, { type: 'audio/wav' });
}
