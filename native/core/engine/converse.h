#pragma once

#include "conversation/diariser.h"
#include "engine/job.h"

namespace timbre {

/// Decodes a job's recording, by `decoder` where there is one, and finds out who speaks when, sharing what can run at
/// the same time by `for_each`. Frees the recording, and reserves working memory for one of the longest that is
/// allowed, before anything is decoded. Errors: those of decode() or of the decoder, and of the networks,
/// AUDIO_TOO_LONG, what the job's interrupt says.
Result<ConversationResult> converse(Job& job, const FrontEnd& front_end, const bundle::Model& model,
                                    const EngineOptions& options, ContainedDecoder* decoder, const ForEach& for_each);

}  // namespace timbre
