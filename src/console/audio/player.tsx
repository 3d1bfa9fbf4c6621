import { useEffect, useState, type ReactNode } from 'react';

interface PlayerProps {
  recording: Blob;
  label: string;
  /** Plays as soon as it can, where the browser lets pages do so. */
  autoPlay?: boolean;
  /** The browser does not play the format. */
  onUnplayable?: () => void;
}

/** Plays a recording from memory. */
export function Player({ recording, label, autoPlay = false, onUnplayable }: PlayerProps): ReactNode {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(recording);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- an address is made and revoked with the component
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [recording]);
  return (
    <audio controls preload="metadata" autoPlay={autoPlay} src={address} aria-label={label} onError={onUnplayable} />
  );
}
