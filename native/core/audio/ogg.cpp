#include "audio/ogg.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "audio/bytes.h"

namespace timbre {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kPageHead = 27;
constexpr std::size_t kLongestPage = kPageHead + 255 + 255 * 255;
constexpr std::size_t kRead = 1 << 16;

OggCodec codec_of(const Stretch& page, std::size_t at) {
  if (page.has(at, "OpusHead"sv)) return OggCodec::kOpus;
  if (page.has(at, "\x01vorbis"sv)) return OggCodec::kVorbis;
  if (page.has(at,
               "\x7F"
               "FLAC"sv))
    return OggCodec::kFlac;
  if (page.has(at, "Speex   "sv)) return OggCodec::kSpeex;
  return OggCodec::kNone;
}

/// Where a page begins at or behind `at`; the end of the input where none does.
std::uint64_t next_capture(const Input& input, std::uint64_t at) {
  for (; at < input.size(); at += kRead) {
    const Stretch block(input, at, kRead + 4);
    const auto found = block.text().find("OggS\0"sv);
    if (found != std::string_view::npos) return at + found;
  }
  return input.size();
}

class PacketBytes final : public SequentialBytes {
 public:
  PacketBytes(const Input& input, std::uint32_t serial, std::size_t skip) : packets_(input, serial), skip_(skip) {}

  std::size_t read(std::span<std::uint8_t> to) override {
    while (at_ == bytes_.size()) {
      bytes_.clear();
      at_ = 0;
      const std::vector<ogg_packet>& page = packets_.next_page();
      if (page.empty()) return 0;
      for (const ogg_packet& packet : page) {
        const std::size_t left_out = std::min(std::exchange(skip_, 0), static_cast<std::size_t>(packet.bytes));
        bytes_.insert(bytes_.end(), packet.packet + left_out, packet.packet + packet.bytes);
      }
    }
    const std::size_t count = std::min(to.size(), bytes_.size() - at_);
    std::copy_n(bytes_.begin() + static_cast<long>(at_), count, to.begin());
    at_ += count;
    return count;
  }

  Completeness completeness() const override { return packets_.completeness(); }

 private:
  OggPackets packets_;
  std::size_t skip_;
  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

OggLink ogg_link(const Input& input) {
  OggLink link;
  bool beginning = true;
  std::uint64_t at = 0;
  while (at < input.size()) {
    const Stretch page(input, at, kPageHead + 255 + 64);
    if (page.size() < kPageHead) break;
    if (!page.has(0, "OggS\0"sv)) {
      at = next_capture(input, at + 1);
      continue;
    }
    const std::size_t segments = page[26];
    const bool begins = (page[5] & 2) != 0;
    if (begins && !beginning) {
      link.end = at;
      return link;
    }
    beginning = beginning && begins;
    if (begins) {
      link.streams.push_back(
          {static_cast<std::uint32_t>(page.number(14, 4, Order::kLittle)), codec_of(page, kPageHead + segments)});
    }
    std::uint64_t length = kPageHead + segments;
    for (std::size_t i = 0; i < segments; ++i) length += page[kPageHead + i];
    at += length;
  }
  link.end = input.size();
  return link;
}

OggPackets::OggPackets(const Input& input, std::uint32_t serial) : cursor_{input}, serial_(serial) {
  ogg_sync_init(&sync_);
  ogg_stream_init(&stream_, static_cast<int>(serial));
}

OggPackets::~OggPackets() {
  ogg_stream_clear(&stream_);
  ogg_sync_clear(&sync_);
}

bool OggPackets::next_of_any(ogg_page& page) {
  for (;;) {
    const long found = ogg_sync_pageseek(&sync_, &page);
    if (found > 0) return true;
    if (found < 0) {
      if (!ended_) skipped_ += static_cast<std::uint64_t>(-found);
      continue;
    }
    char* const room = ogg_sync_buffer(&sync_, kRead);
    if (!room) return false;
    const std::size_t got = cursor_.read({reinterpret_cast<std::uint8_t*>(room), kRead});
    if (got == 0) {
      unread_ = static_cast<std::uint64_t>(sync_.fill - sync_.returned);
      return false;
    }
    ogg_sync_wrote(&sync_, static_cast<long>(got));
  }
}

const std::vector<ogg_packet>& OggPackets::next_page() {
  packets_.clear();
  ogg_page page{};
  while (packets_.empty() && !ended_ && next_of_any(page)) {
    if (static_cast<std::uint32_t>(ogg_page_serialno(&page)) != serial_) continue;
    if (ogg_stream_pagein(&stream_, &page) != 0) continue;
    ogg_packet packet{};
    for (int got = ogg_stream_packetout(&stream_, &packet); got != 0; got = ogg_stream_packetout(&stream_, &packet)) {
      if (got > 0) packets_.push_back(packet);
      if (got < 0) ++holes_;
    }
    ended_ = ogg_page_eos(&page) != 0;
  }
  return packets_;
}

Completeness OggPackets::completeness() const {
  Completeness result;
  if (holes_ > 0 || skipped_ > 0) {
    result.add({Shortfall::kDamaged, std::nullopt,
                skipped_ > 0 ? "is damaged: " + std::to_string(skipped_) + " bytes in it belong to no page of Ogg"
                             : "is damaged: pages of Ogg are missing in it"});
  }
  if (!ended_) {
    result.add({Shortfall::kTruncated, std::nullopt,
                unread_ > 0 ? "is truncated: its last page is incomplete"
                            : "ends without the mark of its end: it was cut off, or recorded from a running stream"});
  }
  return result;
}

std::unique_ptr<SequentialBytes> ogg_bytes(const Input& input, std::uint32_t serial, std::size_t skip) {
  return std::make_unique<PacketBytes>(input, serial, skip);
}

}  // namespace timbre
