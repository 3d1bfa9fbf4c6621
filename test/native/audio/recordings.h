#pragma once

#include <sndfile.h>
#include <stdlib.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audio/decode.h"
#include "audio/ffmpeg_host.h"

namespace timbre::test {

using Bytes = std::vector<std::uint8_t>;

/// A folder of one test's own.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "timbre-audio-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string path(const std::string& name) const { return (path_ / name).string(); }

  std::string write(const std::string& name, const Bytes& bytes) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

  Bytes read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path path_;
};

/// Half of full scale.
inline std::vector<float> sine(double hz, int rate, double seconds) {
  std::vector<float> samples(static_cast<std::size_t>(std::llround(rate * seconds)));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  }
  return samples;
}

/// Encodes by libsndfile, `format` being its number of container and codec.
inline Bytes encoded(const Folder& folder, int format, const std::vector<float>& interleaved, int rate,
                     int channels = 1) {
  const std::string path = folder.path("encoded");
  SF_INFO info{};
  info.format = format;
  info.samplerate = rate;
  info.channels = channels;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (!file) throw std::runtime_error(std::string("libsndfile cannot write this: ") + sf_strerror(nullptr));
  // Blocks, because libsndfile's Vorbis encoder overflows its stack on long ones.
  constexpr std::size_t kFrames = 4096;
  const std::size_t frames = interleaved.size() / static_cast<std::size_t>(channels);
  for (std::size_t at = 0; at < frames; at += kFrames) {
    sf_writef_float(file, interleaved.data() + at * static_cast<std::size_t>(channels),
                    static_cast<sf_count_t>(std::min(kFrames, frames - at)));
  }
  sf_close(file);
  Bytes bytes = folder.read("encoded");
  std::filesystem::remove(path);
  return bytes;
}

/// A WAV file byte by byte, so that its header can say anything.
struct Wav {
  std::uint16_t tag = 1;  ///< 1: PCM, 3: float
  std::uint16_t channels = 1;
  std::uint32_t rate = 16000;
  std::uint16_t bits = 16;
  Bytes data;
  std::uint32_t declared = 0;  ///< bytes of data that the header promises; 0: as many as there are

  Bytes bytes() const {
    Bytes out;
    const auto text = [&](std::string_view t) { out.insert(out.end(), t.begin(), t.end()); };
    const auto number = [&](std::uint32_t value, int size) {
      for (int i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    };
    const std::uint32_t size = declared != 0 ? declared : static_cast<std::uint32_t>(data.size());
    const std::uint32_t block = static_cast<std::uint32_t>(channels) * bits / 8;
    text("RIFF");
    number(size == 0xFFFFFFFF ? size : 36 + size, 4);
    text("WAVEfmt ");
    number(16, 4);
    number(tag, 2);
    number(channels, 2);
    number(rate, 4);
    number(rate * block, 4);
    number(block, 2);
    number(bits, 2);
    text("data");
    number(size, 4);
    out.insert(out.end(), data.begin(), data.end());
    return out;
  }
};

template <typename Sample>
Bytes raw(const std::vector<Sample>& samples) {
  Bytes bytes(samples.size() * sizeof(Sample));
  std::memcpy(bytes.data(), samples.data(), bytes.size());
  return bytes;
}

/// One second at 16 kHz that every encoder likes.
inline Wav plain_wav() {
  Wav wav;
  std::vector<std::int16_t> samples;
  for (const float x : sine(440, 16000, 1)) samples.push_back(static_cast<std::int16_t>(std::lround(x * 32767)));
  wav.data = raw(samples);
  return wav;
}

inline const bool looked_for_ffmpeg = [] {
  const char* const path = std::getenv("PATH");
  const char* const libraries = std::getenv("LD_LIBRARY_PATH");
  look_for_ffmpeg(path ? path : "", libraries ? libraries : "");
  return true;
}();

/// Encodes by ffmpeg: `arguments` go between input and output.
inline Bytes by_ffmpeg(const Folder& folder, const std::string& arguments, const std::string& name,
                       const Wav& wav = plain_wav()) {
  const std::string in = folder.write("in.wav", wav.bytes());
  const std::string command = "'" + audio_libraries().ffmpeg + "' -v error -nostdin -y -i '" + in + "' " + arguments +
                              " '" + folder.path(name) + "'";
  return std::system(command.c_str()) == 0 ? folder.read(name) : Bytes{};
}

inline Result<Audio> decoded(const AudioSource& source, AudioLimits limits = {}, const AudioSelection& selection = {}) {
  const Interrupt never;
  return decode(source, 16000, limits, never, nullptr, selection);
}

/// "" for a recording that is whole, its shortfall's name for one that is not, the error's code where there is none.
inline std::string verdict(const Result<Audio>& result) {
  return result ? std::string(name(result.value().info.completeness.shortfall))
                : std::string(name(result.error().code));
}

inline Bytes first(const Bytes& bytes, std::size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<long>(std::min(count, bytes.size()))};
}

inline Bytes text(std::string_view words) { return {words.begin(), words.end()}; }

inline Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A number in the order of its bytes.
inline Bytes number(std::uint64_t value, int size, bool big_endian) {
  Bytes out;
  for (int i = 0; i < size; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * (big_endian ? size - 1 - i : i))));
  return out;
}

/// A chunk of RIFF, or of IFF with `big_endian`, without the pad byte.
inline Bytes chunk(std::string_view id, const Bytes& body, bool big_endian = false,
                   std::optional<std::uint32_t> size = std::nullopt) {
  return joined(joined(text(id), number(size.value_or(static_cast<std::uint32_t>(body.size())), 4, big_endian)), body);
}

/// "" for audio, else the error's code.
inline std::string code(const Result<Audio>& result) { return result ? "" : std::string(name(result.error().code)); }

/// Signal-to-difference ratio in dB over the middle of two recordings, their ends being the codec's business.
inline double agreement(const std::vector<float>& a, const std::vector<float>& b, std::size_t margin = 1600) {
  const std::size_t size = std::min(a.size(), b.size());
  double signal = 1e-30;
  double difference = 1e-30;
  for (std::size_t i = margin; i + margin < size; ++i) {
    signal += static_cast<double>(a[i]) * a[i];
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
  }
  return 10 * std::log10(signal / difference);
}

}  // namespace timbre::test
