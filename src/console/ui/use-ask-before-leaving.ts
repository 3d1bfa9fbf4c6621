import { useEffect } from 'react';

/** While there is something to lose, the browser asks before the page is closed or loaded anew. */
export function useAskBeforeLeaving(hasSomething: boolean): void {
  useEffect(() => {
    if (!hasSomething) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [hasSomething]);
}
