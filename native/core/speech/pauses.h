#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "speech/speech.h"

namespace timbre {

/// Which of its pauses a recording is embedded with. A bundle's manifest holds every value: other values give other
/// embeddings. bench/js/pauses.mjs compares rules.
struct PauseRule {
  std::string detector;  ///< what finds the speech, kSpeechDetector
  double longest = 0;    ///< seconds of a pause between speech that stays whole; of a longer one half on either side
  double margin = 0;     ///< seconds kept before the first speech and behind the last
  double silence = 0;    ///< what is kept of a pause ends where no sample reaches this: nothing was recorded there
  double fade = 0;       ///< seconds over which what is left of a pause is joined

  bool operator==(const PauseRule&) const = default;
};

/// What bundles are made with.
PauseRule default_pauses();

/// The parts of a recording that are embedded, in order and without overlap: its speech, with pauses as the rule has
/// them. All of it where there is no speech. At least `fewest` samples, where it has so many.
///
/// `speech` lies in order within the recording. Silence that is added to a recording changes nothing but what lies
/// within the rule's seconds of speech.
std::vector<SampleSpan> without_long_pauses(std::span<const float> samples, int sample_rate,
                                            std::span<const SampleSpan> speech, const PauseRule& rule,
                                            std::size_t fewest);

/// Keeps these parts and joins them, each cross-faded into the next at equal power over `fade` samples.
void keep_parts(std::vector<float>& samples, std::span<const SampleSpan> parts, std::size_t fade);

}  // namespace timbre
