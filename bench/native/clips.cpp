// Clips of given lengths, and their features as a bundle's front end makes them, as raw little-endian float32: what the
// comparison with other runtimes feeds to each.
//
//   clips BUNDLE OUT SECONDS,SECONDS,... [RECORDING ...]
//
// The recordings are joined, at the model's rate; without one a voice by formula is used. OUT/<seconds>.pcm holds
// samples, OUT/<seconds>.features frames x coefficients.
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "bundle/manifest.h"
#include "features/front_end.h"
#include "stage.h"

namespace {

using namespace timbre;

void write(const std::string& path, const std::vector<float>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file.flush()) {
    std::cerr << "cannot write " << path << '\n';
    std::exit(1);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) {
    std::cerr << "clips BUNDLE OUT SECONDS,SECONDS,... [RECORDING ...]\n";
    return 2;
  }
  const bundle::Manifest manifest = bench::take(bundle::read_manifest(words[1]));
  const int rate = manifest.front_end.sample_rate;
  const auto front_end = bench::take(FrontEnd::create(manifest.front_end));
  std::vector<float> recording;
  const Interrupt never;
  for (int i = 4; i < count; ++i) {
    const auto audio = bench::take(decode(AudioPath{words[i]}, rate, {}, never));
    recording.insert(recording.end(), audio.samples.begin(), audio.samples.end());
  }
  std::istringstream lengths(words[3]);
  for (std::string length; std::getline(lengths, length, ',');) {
    const double seconds = std::stod(length);
    const auto size = static_cast<std::size_t>(seconds * rate);
    std::vector<float> clip = count > 4 ? recording : bench::voice(seconds, rate);
    if (clip.size() < size) {
      std::cerr << "the recordings are shorter than " << length << " s\n";
      return 1;
    }
    clip.resize(size);
    const std::string base = std::string(words[2]) + "/" + length;
    write(base + ".pcm", clip);
    write(base + ".features", bench::take(front_end->compute(clip)).values);
  }
}
