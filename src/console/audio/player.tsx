import { useEffect, useState, type ReactNode } from 'react';

/** Plays a recording from memory. */
export function Player({ recording, label }: { recording: Blob; label: string }): ReactNode {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(recording);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- an address is made and revoked with the component
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [recording]);
  return <audio controls preload="metadata" src={address} aria-label={label} />;
}
