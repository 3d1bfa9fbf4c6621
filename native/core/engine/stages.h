#pragma once

#include <cstdint>
#include <vector>

#include "engine/job.h"
#include "support/matrix.h"

namespace timbre {

/// What every recording of an engine goes through.
struct Stages {
  const FrontEnd& front_end;
  const SpeechDetector& detector;
  const bundle::Model& model;
  const AudioLimits& limits;
};

/// The samples that a job asks to be embedded, decoded by `decoder` where there is one. Frees the recording. Errors:
/// those of decode() or of the decoder, INVALID_ARGUMENT, AUDIO_TOO_SHORT, NO_SPEECH, what the job's interrupt says.
Result<std::vector<float>> hear(Job& job, const Stages& stages, ContainedDecoder* decoder);

/// Measures the speech in a job's samples, and takes long pauses out as the bundle has it. Errors: AUDIO_TOO_LONG, what
/// the job's interrupt says.
Status listen(Job& job, std::vector<float>& samples, const Stages& stages);

/// Bytes of samples, features and activations of an utterance, for which a job's place has to reserve working memory.
std::uint64_t working_bytes(const std::vector<float>& samples, const Stages& stages);

/// A job's features. Errors: what its interrupt says.
Result<Matrix> features_of(Job& job, const std::vector<float>& samples, const Stages& stages);

/// Fails with INFERENCE_FAILED unless every number of the embedding is finite.
Result<bundle::Embedding> checked(Result<bundle::Embedding> embedding);

/// What a job is answered with; takes it from the job.
EmbedResult result_of(Job& job, bundle::Embedding embedding);

}  // namespace timbre
