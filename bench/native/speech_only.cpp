// Copies a folder of recordings with nothing but their speech left in, under the same names, as 16-bit WAV at 16 kHz.
// `timbre evaluate` on both folders tells whether a model is better off without the pauses (docs/accuracy.md).
//
//   build-bench/bench/native/speech_only IN OUT
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "speech/speech.h"

namespace {

namespace fs = std::filesystem;
using namespace timbre;

constexpr int kRate = 16000;

void put(std::string& bytes, std::uint32_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::string wav(const std::vector<float>& samples) {
  const auto size = static_cast<std::uint32_t>(2 * samples.size());
  std::string bytes = "RIFF";
  put(bytes, 36 + size, 4);
  bytes += "WAVEfmt ";
  put(bytes, 16, 4);
  put(bytes, 1, 2);
  put(bytes, 1, 2);
  put(bytes, kRate, 4);
  put(bytes, 2 * kRate, 4);
  put(bytes, 2, 2);
  put(bytes, 16, 2);
  bytes += "data";
  put(bytes, size, 4);
  for (const float sample : samples) {
    const long value = std::clamp(std::lround(32768 * sample), -32768L, 32767L);
    put(bytes, static_cast<std::uint32_t>(value), 2);
  }
  return bytes;
}

/// All of it where the detector finds no speech.
std::vector<float> speech_of(const std::vector<float>& samples, const SpeechDetector& detector) {
  const std::size_t frame = detector.frame();
  const auto probabilities = detector.probabilities(samples).value();
  std::vector<float> speech;
  for (const auto [begin, end] : speech_spans(probabilities, static_cast<double>(frame) / kRate)) {
    const auto from = static_cast<std::ptrdiff_t>(std::min(begin * frame, samples.size()));
    const auto to = static_cast<std::ptrdiff_t>(std::min(end * frame, samples.size()));
    speech.insert(speech.end(), samples.begin() + from, samples.begin() + to);
  }
  return speech.empty() ? samples : speech;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    std::cerr << "speech_only IN OUT\n";
    return 2;
  }
  const fs::path in = words[1];
  const fs::path out = words[2];
  const auto detector = silero_detector();
  double before = 0;
  double after = 0;
  for (const auto& entry : fs::recursive_directory_iterator(in)) {
    if (!entry.is_regular_file()) continue;
    const Interrupt never;
    const auto audio = decode(AudioPath{entry.path().string()}, kRate, {}, never);
    if (!audio) {
      std::cerr << entry.path() << ": " << audio.error().message << '\n';
      return 1;
    }
    const auto speech = speech_of(audio.value().samples, *detector);
    const fs::path copy = out / fs::relative(entry.path(), in);
    fs::create_directories(copy.parent_path());
    std::ofstream(copy, std::ios::binary) << wav(speech);
    before += static_cast<double>(audio.value().samples.size()) / kRate;
    after += static_cast<double>(speech.size()) / kRate;
  }
  std::cout << before << " s, of them speech " << after << " s\n";
}
