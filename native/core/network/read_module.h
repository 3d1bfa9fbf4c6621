#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <cstddef>
#include <vector>

/// What networks are made of, out of a module. All of it throws what LibTorch throws.
namespace timbre::network {

void expect(bool fits, const char* what);

torch::jit::Module child(const torch::jit::Module& module, const char* name);
c10::IValue constant(const torch::jit::Module& module, const char* name);

/// A number of frames.
std::size_t count(const torch::jit::Module& module, const char* name);

/// In float32, one value after the other; int8 as it is.
at::Tensor tensor(const torch::jit::Module& module, const char* name);
std::vector<float> values(const torch::jit::Module& module, const char* name);

/// x * scale + shift, a value of each for every channel.
struct Affine {
  std::vector<float> scale;
  std::vector<float> shift;
};

/// Batch norm for inference, with weights of its own or without.
Affine read_norm(const torch::jit::Module& norm);

}  // namespace timbre::network
