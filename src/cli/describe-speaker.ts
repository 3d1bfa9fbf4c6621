import type { SpeakerView } from '../service/speakers/speakers.dto.js';

/** Where the enrolment stands, in one line. */
export function describeSpeaker(speaker: SpeakerView): string {
  const { enrollmentsCount: count, enrollmentsSpeechLengthInSec: speech } = speaker;
  const missing = speaker.remainingEnrollmentsSpeechLengthInSec;
  const rest = missing > 0 ? `, ${missing.toFixed(1)} s more needed` : `, confidence ${speaker.confidence.toFixed(2)}`;
  return (
    `${speaker.id}: ${speaker.enrollmentStatus}, ${count} recording${count === 1 ? '' : 's'}, ` +
    `${speech.toFixed(1)} s of speech${rest}`
  );
}
