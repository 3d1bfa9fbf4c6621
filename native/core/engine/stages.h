#pragma once

#include <functional>

#include "engine/job.h"
#include "support/matrix.h"

namespace timbre {

/// Decodes a job's recording, measures its speech and computes its features, with the checks that no model needs to
/// see. Frees the recording. Errors: those of decode(), AUDIO_TOO_SHORT, AUDIO_TOO_LONG, NO_SPEECH.
Result<Matrix> prepare(Job& job, const FrontEnd& front_end, const SpeechDetector& detector,
                       const bundle::Manifest& manifest, const AudioLimits& limits);

/// Fails with INFERENCE_FAILED unless every number of the embedding is finite.
Result<bundle::Embedding> checked(bundle::Embedding embedding);

/// Runs a stage; what it throws becomes OUT_OF_MEMORY or INTERNAL, so that no exception leaves a worker.
template <typename Stage>
auto guarded(Stage&& stage) -> decltype(stage()) {
  try {
    return stage();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "memory ran out while embedding; use fewer workers or shorter recordings"};
  } catch (const std::exception& error) {
    return Error{ErrorCode::INTERNAL, std::string("an unexpected error in the engine: ") + error.what()};
  }
}

}  // namespace timbre
