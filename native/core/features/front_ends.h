#pragma once

#include <memory>
#include <optional>

#include "features/front_end.h"

/// The front ends behind FrontEnd::create(), which has validated the config.
namespace timbre {

std::unique_ptr<const FrontEnd> make_speechbrain_front_end(const FrontEndConfig& config);
std::unique_ptr<const FrontEnd> make_kaldi_front_end(const FrontEndConfig& config);
std::unique_ptr<const FrontEnd> make_taoruijie_front_end(const FrontEndConfig& config);

/// Why to stop before frame t; asks once every few milliseconds of work.
std::optional<Error> stopped_at(std::size_t t, const Interrupt& interrupt);

/// Subtracts each column's mean over the rows.
void subtract_column_means(Matrix& features);

/// AUDIO_TOO_SHORT with both lengths in it.
Error too_few_samples(std::size_t samples, std::size_t needed, int sample_rate);

}  // namespace timbre
