import { useCallback, useEffect, useRef, useState } from 'react';
import { Player } from '../conversations/player.js';
import { recordingOf } from '../conversations/recordings.js';

/** Plays a part of a recording that this tab has, from its beginning to its end. */
export function useClips(): (conversation: string, start: number, end: number) => void {
  const [player] = useState(() => new Player());
  const loaded = useRef<string | null>(null);
  const until = useRef(Infinity);
  useEffect(() => {
    const stop = player.watch((position) => {
      if (position < until.current || !player.state.playing) return;
      until.current = Infinity;
      player.toggle();
    });
    return () => {
      stop();
      player.unload();
      loaded.current = null;
    };
  }, [player]);
  return useCallback(
    (conversation, start, end) => {
      const file = recordingOf(conversation);
      if (!file) return;
      if (loaded.current !== conversation) player.load(file);
      loaded.current = conversation;
      until.current = end;
      player.seek(start);
      player.play();
    },
    [player],
  );
}
