#include "audio/container.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "audio/bytes.h"
#include "audio/mpeg_frames.h"

namespace timbre {

namespace {

using namespace std::string_view_literals;

/// How far from its beginning a recording may lie behind junk.
constexpr std::uint64_t kJunk = 64 << 10;

struct Magic {
  std::size_t at;
  std::string_view bytes;
  std::size_t and_at;
  std::string_view and_bytes;
  ContainerKind kind;
  std::string_view name;
  std::string_view demuxer;
  bool behind_junk;  ///< long enough to be looked for behind bytes that are something else
};

constexpr auto kMagic = std::to_array<Magic>({
    {0, "RIFF"sv, 8, "WAVE"sv, ContainerKind::kWav, "WAV", "wav", true},
    {0, "RIFX"sv, 8, "WAVE"sv, ContainerKind::kWav, "WAV", "", true},
    {0, "RF64"sv, 8, "WAVE"sv, ContainerKind::kWav, "RF64", "wav", true},
    {0, "BW64"sv, 8, "WAVE"sv, ContainerKind::kWav, "BW64", "wav", true},
    {0, "riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00"sv, 0, ""sv, ContainerKind::kW64, "W64", "wav", true},
    {0, "FORM"sv, 8, "AIFF"sv, ContainerKind::kAiff, "AIFF", "aiff", true},
    {0, "FORM"sv, 8, "AIFC"sv, ContainerKind::kAiff, "AIFF", "aiff", true},
    {0, ".snd"sv, 0, ""sv, ContainerKind::kAu, "AU", "au", false},
    {0, "dns."sv, 0, ""sv, ContainerKind::kAu, "AU", "", false},
    {0, "caff\x00\x01"sv, 0, ""sv, ContainerKind::kCaf, "CAF", "caf", true},
    {0, "fLaC"sv, 5, "\x00\x00\x22"sv, ContainerKind::kFlac, "FLAC", "flac", true},
    {0, "OggS\x00"sv, 0, ""sv, ContainerKind::kOgg, "OGG", "ogg", true},
    {0, "NIST_1A\n"sv, 0, ""sv, ContainerKind::kSphere, "SPHERE", "", false},
    {0, "\x64\xA3\x01\x00"sv, 0, ""sv, ContainerKind::kIrcam, "IRCAM", "", false},
    {0, "\x64\xA3\x02\x00"sv, 0, ""sv, ContainerKind::kIrcam, "IRCAM", "", false},
    {0, "#!AMR\n"sv, 0, ""sv, ContainerKind::kAmr, "AMR", "amr", true},
    {0, "#!AMR-WB\n"sv, 0, ""sv, ContainerKind::kAmr, "AMR-WB", "amr", true},
    {4, "ftyp"sv, 0, ""sv, ContainerKind::kMp4, "MP4", "mov", true},
    {4, "moov"sv, 0, ""sv, ContainerKind::kMp4, "MOV", "mov", false},
    {4, "mdat"sv, 0, ""sv, ContainerKind::kMp4, "MOV", "mov", false},
    {4, "free"sv, 0, ""sv, ContainerKind::kMp4, "MOV", "mov", false},
    {4, "skip"sv, 0, ""sv, ContainerKind::kMp4, "MOV", "mov", false},
    {4, "wide"sv, 0, ""sv, ContainerKind::kMp4, "MOV", "mov", false},
    {4, "pnot"sv, 0, ""sv, ContainerKind::kMp4, "MOV", "mov", false},
    {4, "udta"sv, 0, ""sv, ContainerKind::kMp4, "MOV", "mov", false},
    {4, "styp"sv, 0, ""sv, ContainerKind::kMp4, "MP4", "mov", false},
    {4, "moof"sv, 0, ""sv, ContainerKind::kMp4, "MP4", "mov", false},
    {4, "sidx"sv, 0, ""sv, ContainerKind::kMp4, "MP4", "mov", false},
    {0, "\x1A\x45\xDF\xA3"sv, 0, ""sv, ContainerKind::kMatroska, "MATROSKA", "matroska", true},
    {0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv, 0, ""sv, ContainerKind::kOther, "ASF", "asf", true},
    {0, "RIFF"sv, 8, "AVI "sv, ContainerKind::kOther, "AVI", "avi", true},
    {0, "FLV\x01"sv, 0, ""sv, ContainerKind::kOther, "FLV", "flv", false},
    {0, "wvpk"sv, 0, ""sv, ContainerKind::kOther, "WAVPACK", "wv", false},
    {0, "TTA1"sv, 0, ""sv, ContainerKind::kOther, "TTA", "tta", false},
    {0, "MAC "sv, 0, ""sv, ContainerKind::kOther, "APE", "ape", false},
    {0, "Creative Voice File\x1A"sv, 0, ""sv, ContainerKind::kOther, "VOC", "voc", false},
    {0, "\x00\x00\x01\xBA"sv, 0, ""sv, ContainerKind::kOther, "MPEG-PS", "mpeg", false},
    {0, "G"sv, 188, "G"sv, ContainerKind::kOther, "MPEG-TS", "mpegts", false},
    {4, "G"sv, 196, "G"sv, ContainerKind::kOther, "MPEG-TS", "mpegts", false},
});

/// Which bytes a recording that is looked for behind junk may have where its magic is: at its beginning, or 4 further.
constexpr auto kMayStandAt = [] {
  std::array<std::array<bool, 256>, 5> may{};
  for (const Magic& magic : kMagic) {
    if (magic.behind_junk) may[magic.at][static_cast<std::uint8_t>(magic.bytes.front())] = true;
  }
  return may;
}();

constexpr std::size_t kLongestMagic = 197;
static_assert(kJunk + kLongestMagic <= kContainerReach);

/// The doctype of an EBML header tells WebM from Matroska, and either from chance.
bool matroska(const Stretch& head, std::size_t at, std::string& name) {
  const std::string_view text = head.text();
  const auto within = text.substr(std::min(at, text.size()), 64);
  if (within.find("webm"sv) != within.npos) {
    name = "WEBM";
    return true;
  }
  return within.find("matroska"sv) != within.npos;
}

/// The size of an ID3v2 tag that begins at `offset`, its header included; 0 where none does.
std::uint64_t tag_size(const Input& input, std::uint64_t offset) {
  const Stretch tag(input, offset, 10);
  if (!tag.has(0, "ID3"sv) || tag.size() < 10 || tag[3] == 0xFF || tag[4] == 0xFF) return 0;
  std::uint64_t size = 0;
  for (std::size_t i = 6; i < 10; ++i) size = size << 7 | (tag[i] & 0x7F);
  return 10 + size + ((tag[5] & 0x10) != 0 ? 10 : 0);
}

std::optional<Container> by_magic(const Stretch& head, std::size_t at, bool behind_junk) {
  for (const Magic& magic : kMagic) {
    if (behind_junk && !magic.behind_junk) continue;
    if (!head.has(at + magic.at, magic.bytes) || !head.has(at + magic.and_at, magic.and_bytes)) continue;
    Container container{magic.kind, std::string(magic.name), 0, std::string(magic.demuxer)};
    // Its first bytes are the size of the first box, which is short.
    if (behind_junk && magic.kind == ContainerKind::kMp4 && head.number(at, 4, Order::kBig) > 1024) continue;
    if (magic.kind == ContainerKind::kMatroska && !matroska(head, at, container.name) && behind_junk) continue;
    return container;
  }
  return std::nullopt;
}

/// Whether every packet begins as it should, as far as there are five.
bool transport_packets(const Input& input, std::uint64_t offset) {
  constexpr std::size_t kPacket = 188;
  constexpr std::size_t kStamped = 192;
  const Stretch head(input, offset, 5 * kStamped);
  const auto all = [&](std::size_t first, std::size_t step) {
    for (std::size_t at = first; at < std::min(head.size(), first + 5 * step); at += step) {
      if (head[at] != 'G') return false;
    }
    return true;
  };
  return all(0, kPacket) || all(4, kStamped);
}

/// Raw streams of frames, which only a chain of them tells from anything else.
std::optional<Container> by_frames(Scanner& bytes, std::uint64_t offset, int least) {
  struct Raw {
    FrameSync sync;
    ContainerKind kind;
    std::string_view name;
    std::string_view demuxer;
  };
  static constexpr auto kRaw = std::to_array<Raw>({
      {FrameSync::kAdts, ContainerKind::kOther, "AAC", "aac"},
      {FrameSync::kMpegAudio, ContainerKind::kMpegAudio, "MP3", "mp3"},
      {FrameSync::kLoas, ContainerKind::kOther, "AAC/LATM", "loas"},
      {FrameSync::kAc3, ContainerKind::kOther, "AC-3", "ac3"},
      {FrameSync::kEac3, ContainerKind::kOther, "E-AC-3", "eac3"},
  });
  for (const Raw& raw : kRaw) {
    if (begins_with_frames(bytes, offset, raw.sync, least)) {
      return Container{raw.kind, std::string(raw.name), offset, std::string(raw.demuxer)};
    }
  }
  return std::nullopt;
}

/// Of the elements that a cluster consists of, with a track and a time that make sense.
bool matroska_piece(const Stretch& head) {
  if (head.has(0, "\x1F\x43\xB6\x75"sv) || head.has(0, "\x43\xB6\x75"sv)) return true;
  if (head[0] != 0xA3 || (head[1] & 0xC0) == 0) return false;  // a SimpleBlock of less than 16 KiB
  const std::size_t body = (head[1] & 0x80) != 0 ? 2 : 3;
  const std::size_t size = (head[1] & 0x80) != 0 ? head[1] & 0x7F : ((head[1] & 0x3FU) << 8U | head[2]);
  const bool next = size + body >= head.size() || head[body + size] == 0xA3 || head[body + size] == 0x1F;
  return (head[body] & 0xF0) == 0x80 && (head[body + 3] & 0x70) == 0 && next;
}

/// Looks behind bytes that belong to no recording. More frames are asked for than at the beginning: chance makes a few.
Container behind_junk(const Input& input, std::uint64_t start) {
  constexpr int kFrames = 6;
  const Stretch head(input, start, kJunk + kLongestMagic);
  const std::size_t reach = std::min<std::size_t>(head.size(), kJunk);
  for (std::size_t at = 1; at < reach; ++at) {
    if (!kMayStandAt[0][head[at]] && !kMayStandAt[4][head[at + 4]]) continue;
    if (auto found = by_magic(head, at, true)) {
      found->start = start + at;
      return *found;
    }
  }
  Scanner bytes(input);
  for (std::size_t at = 1; at < reach; ++at) {
    if (!may_be_frame(head[at], head[at + 1])) continue;
    if (auto found = by_frames(bytes, start + at, kFrames)) return *found;
  }
  return {};
}

struct Stranger {
  std::string_view bytes;
  std::string_view what;
};

constexpr auto kStrangers = std::to_array<Stranger>({
    {"PK\x03\x04"sv, "is a ZIP archive; unpack it and send the recordings in it"},
    {"\x1F\x8B"sv, "is compressed by gzip; unpack it first"},
    {"7z\xBC\xAF\x27\x1C"sv, "is a 7z archive; unpack it and send the recordings in it"},
    {"Rar!\x1A"sv, "is a RAR archive; unpack it and send the recordings in it"},
    {"%PDF-"sv, "is a PDF document, not a recording"},
    {"MThd"sv, "is a MIDI file: it holds notes, not sound"},
    {"\x89PNG"sv, "is a picture, not a recording"},
    {"\xFF\xD8\xFF"sv, "is a picture, not a recording"},
    {"GIF8"sv, "is a picture, not a recording"},
    {"#EXTM3U"sv, "is a playlist, which is not followed; send the recording itself"},
    {"[playlist]"sv, "is a playlist, which is not followed; send the recording itself"},
    {"ffconcat"sv, "is a playlist, which is not followed; send the recording itself"},
    {"\x00\x05\x16\x07"sv, "is the \"._\" file that macOS keeps beside a recording; send the file without the \"._\""},
    {"\x00\x05\x16\x00"sv, "is a resource fork of macOS, not the recording; send the file that it lies beside"},
    {"data:"sv, "is a data: URL as text; decode its base64 and send the bytes"},
});

}  // namespace

Container container_at(const Input& input, std::uint64_t offset) {
  const Stretch head(input, offset, kLongestMagic);
  auto found = by_magic(head, 0, false);
  if (found && found->demuxer == "mpegts" && !transport_packets(input, offset)) found.reset();
  if (!found) {
    Scanner bytes(input);
    found = by_frames(bytes, offset, 3);
  }
  if (!found) return {};
  found->start = offset;
  return *found;
}

std::uint64_t behind_tags(const Input& input) {
  std::uint64_t start = 0;
  for (int tags = 0; tags < 8; ++tags) {
    const std::uint64_t size = tag_size(input, start);
    if (size == 0) break;
    start += size;
  }
  return start;
}

Container container_of(const Input& input) {
  // Tags stand before MP3, AAC and whatever an editor put one before.
  const std::uint64_t start = behind_tags(input);
  if (Container found = container_at(input, start); found.kind != ContainerKind::kUnknown) return found;
  const bool piece = matroska_piece(Stretch(input, 0, 512));
  if (!piece && known_stranger(input)) return {};

  Container found = behind_junk(input, start);
  // The tag may be longer than it says, or no tag.
  if (found.kind == ContainerKind::kUnknown && start > 0) found = behind_junk(input, 0);
  if (piece && found.kind != ContainerKind::kMatroska) return {};
  found.lost_front = piece;
  return found;
}

std::optional<std::string> known_stranger(const Input& input) {
  const Stretch head(input, 0, 512);
  for (const Stranger& stranger : kStrangers) {
    if (head.has(0, stranger.bytes)) return std::string(stranger.what);
  }
  if (matroska_piece(head)) {
    return "is a piece of a WebM stream without the header that its first piece has: record it as one stream "
           "(MediaRecorder.start() without a timeslice), or send all pieces joined from the first";
  }
  std::string_view text = head.text();
  while (!text.empty() &&
         (text.front() == ' ' || text.front() == '\n' || text.front() == '\r' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  if (text.starts_with("<!") || text.starts_with("<?") || text.starts_with("<html") || text.starts_with("<HTML")) {
    return "is a page of HTML or XML, not a recording; look at what the server that it came from says";
  }
  if (text.starts_with('{') || text.starts_with("[{")) {
    return "is text (JSON), not a recording; look at what the server that it came from says";
  }
  return std::nullopt;
}

}  // namespace timbre
