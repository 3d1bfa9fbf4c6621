import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';

/** Reads whatever is shown of anybody anew; what the key may do and what the service is stay. */
export function useReadAnew(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(
    () => queries.invalidateQueries({ predicate: ({ queryKey: [of] }) => of !== 'access' && of !== 'info' }),
    [queries],
  );
}
