import { Download, Play, X } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess } from '../../api/context.js';
import { download } from '../../api/download.js';
import { Player } from '../../audio/player.js';
import { useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Failure } from '../../ui/failure.js';
import { Notice } from '../../ui/notice.js';
import css from './kept-audio.module.css';

type Recording = Answer<'listEnrollments'>['enrollments'][number];

interface KeptAudioProps {
  recording: Recording;
  /** What the recording is called. */
  what: string;
  busy: boolean;
  onPlay: () => void;
}

/** Whether the audio of a recording is kept: the way to hear it, or why there is none. */
export function KeptAudio({ recording: { audioKept, origin }, what, busy, onPlay }: KeptAudioProps): ReactNode {
  const t = useMessages().people.audio;
  const { may } = useAccess();
  if (!audioKept) return <span className="muted">{t.notKept[origin]}</span>;
  if (!may('admin') || !may('vectors')) return <Badge>{t.kept}</Badge>;
  return (
    <Button busy={busy} aria-label={t.playOne(what)} onClick={onPlay}>
      <Play aria-hidden />
      {t.play}
    </Button>
  );
}

interface KeptAudioPlayerProps {
  audio: Blob | undefined;
  /** Why there is none. */
  error: unknown;
  what: string;
  /** Of the file that it is saved as. */
  fileName: string;
  onRetry: () => void;
  onClose: () => void;
}

/** Plays a recording; one that the browser does not play is saved as a file. */
export function KeptAudioPlayer(props: KeptAudioPlayerProps): ReactNode {
  const { audio, error, what, fileName, onRetry, onClose } = props;
  const t = useMessages().people.audio;
  const common = useMessages().common;
  const [unplayable, setUnplayable] = useState(false);
  if (audio === undefined) {
    return (
      <div className={css['player']}>
        <Failure error={error} onRetry={onRetry} />
      </div>
    );
  }
  const save = (): void => download(fileName, audio);
  return (
    <div className={css['player']}>
      {unplayable ? (
        <Notice tone="warn">{t.unplayable(fileName)}</Notice>
      ) : (
        <Player
          recording={audio}
          label={t.playing(what)}
          autoPlay
          onUnplayable={() => {
            setUnplayable(true);
            save();
          }}
        />
      )}
      <div className={layout['row']}>
        <Button onClick={save}>
          <Download aria-hidden />
          {t.save}
        </Button>
        <Button onClick={onClose}>
          <X aria-hidden />
          {common.close}
        </Button>
        <span className={layout['fine']}>{t.inTrail}</span>
      </div>
    </div>
  );
}
