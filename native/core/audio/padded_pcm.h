#pragma once

#include <memory>

#include "audio/layout.h"
#include "audio/reader.h"

namespace timbre {

/// Whether the samples lie at the lower end of their bytes. Writers do either (ALSA's S24_LE: the lower; the WAV
/// specification: the upper), and only the samples tell which.
bool at_lower_end(const Input& samples, const PaddedPcm& pcm);

/// Reads samples that do. The input must outlive the reader.
std::unique_ptr<Reader> open_padded_pcm(const Input& samples, const PaddedPcm& pcm, std::string format);

}  // namespace timbre
