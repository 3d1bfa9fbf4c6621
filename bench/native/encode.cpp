#include "encode.h"

#include <sndfile.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace timbre::bench {

namespace {

/// A file of libsndfile's that lies in memory.
struct Memory {
  std::vector<std::uint8_t> bytes;
  std::size_t at = 0;
};

Memory& memory(void* user) { return *static_cast<Memory*>(user); }

sf_count_t size(void* user) { return static_cast<sf_count_t>(memory(user).bytes.size()); }

sf_count_t tell(void* user) { return static_cast<sf_count_t>(memory(user).at); }

sf_count_t seek(sf_count_t offset, int whence, void* user) {
  const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? tell(user) : size(user);
  memory(user).at = static_cast<std::size_t>(base + offset);
  return tell(user);
}

sf_count_t read(void* to, sf_count_t count, void* user) {
  auto& [bytes, at] = memory(user);
  const auto taken = std::min(static_cast<std::size_t>(count), bytes.size() - std::min(at, bytes.size()));
  std::memcpy(to, bytes.data() + at, taken);
  at += taken;
  return static_cast<sf_count_t>(taken);
}

sf_count_t write(const void* from, sf_count_t count, void* user) {
  auto& [bytes, at] = memory(user);
  bytes.resize(std::max(bytes.size(), at + static_cast<std::size_t>(count)));
  std::memcpy(bytes.data() + at, from, static_cast<std::size_t>(count));
  at += static_cast<std::size_t>(count);
  return count;
}

int format_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kWav:
      return SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    case Encoding::kFlac:
      return SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    case Encoding::kMp3:
      return SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
  }
  return 0;
}

}  // namespace

std::vector<std::uint8_t> encode(const std::vector<float>& mono, int rate, int channels, Encoding encoding) {
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format_of(encoding);
  SF_VIRTUAL_IO calls{size, seek, read, write, tell};
  Memory file;
  SNDFILE* const out = sf_open_virtual(&calls, SFM_WRITE, &info, &file);
  if (!out) {
    std::cerr << "libsndfile cannot write this: " << sf_strerror(nullptr) << '\n';
    std::exit(1);
  }
  std::vector<float> interleaved;
  interleaved.reserve(mono.size() * static_cast<std::size_t>(channels));
  for (const float sample : mono) interleaved.insert(interleaved.end(), static_cast<std::size_t>(channels), sample);
  sf_writef_float(out, interleaved.data(), static_cast<sf_count_t>(mono.size()));
  sf_close(out);
  return std::move(file.bytes);
}

}  // namespace timbre::bench
