#pragma once

#include "engine/job.h"
#include "support/matrix.h"

namespace timbre {

/// Decodes a job's recording, by `decoder` where there is one, measures its speech and computes its features, with the
/// checks that no model needs to see. Frees the recording, and reserves working memory as soon as it is known how much
/// of the recording is embedded. Errors: those of decode() or of the decoder, AUDIO_TOO_SHORT, AUDIO_TOO_LONG,
/// NO_SPEECH, what the job's interrupt says.
Result<Matrix> prepare(Job& job, const FrontEnd& front_end, const SpeechDetector& detector, const bundle::Model& model,
                       const AudioLimits& limits, ContainedDecoder* decoder);

/// Fails with INFERENCE_FAILED unless every number of the embedding is finite.
Result<bundle::Embedding> checked(Result<bundle::Embedding> embedding);

/// What a job is answered with; takes it from the job.
EmbedResult result_of(Job& job, bundle::Embedding embedding);

}  // namespace timbre
