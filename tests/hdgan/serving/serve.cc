// Answers requests with an exported model in C++, as TF Serving's core does:
// with TensorFlow's own loader, given only a directory and a signature.
//
//     serve EXPORT REQUESTS
//
// REQUESTS holds a folder for each request, named SIGNATURE-ANYTHING, with an
// INPUT.pb (a TensorProto) for each input. The program writes an OUTPUT.answer
// for each output into it, or a file `error`. It prints the names of the
// signatures, one per line.

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/public/session.h"

namespace tf = tensorflow;

namespace {

tf::Status Answer(const tf::SavedModelBundle& bundle,
                  const tf::SignatureDef& signature,
                  const std::string& folder) {
  tf::Env* env = tf::Env::Default();
  std::vector<std::pair<std::string, tf::Tensor>> inputs;
  for (const auto& [name, info] : signature.inputs()) {
    tf::TensorProto proto;
    TF_RETURN_IF_ERROR(
        tf::ReadBinaryProto(env, folder + "/" + name + ".pb", &proto));
    tf::Tensor tensor;
    if (!tensor.FromProto(proto)) {
      return tf::errors::InvalidArgument(name, ".pb is not a tensor");
    }
    inputs.emplace_back(info.name(), tensor);
  }
  std::vector<std::string> names, tensor_names;
  for (const auto& [name, info] : signature.outputs()) {
    names.push_back(name);
    tensor_names.push_back(info.name());
  }
  std::vector<tf::Tensor> outputs;
  TF_RETURN_IF_ERROR(
      bundle.session->Run(inputs, tensor_names, {}, &outputs));
  for (size_t i = 0; i < names.size(); ++i) {
    tf::TensorProto proto;
    // Python does not read strings in the packed form.
    if (outputs[i].dtype() == tf::DT_STRING) {
      outputs[i].AsProtoField(&proto);
    } else {
      outputs[i].AsProtoTensorContent(&proto);
    }
    TF_RETURN_IF_ERROR(
        tf::WriteBinaryProto(env, folder + "/" + names[i] + ".answer", proto));
  }
  return tf::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: serve EXPORT REQUESTS\n";
    return 2;
  }
  const std::string requests = argv[2];
  tf::SavedModelBundle bundle;
  tf::Status status = tf::LoadSavedModel(
      tf::SessionOptions(), tf::RunOptions(), argv[1], {"serve"}, &bundle);
  if (!status.ok()) {
    std::cerr << status.ToString() << "\n";
    return 1;
  }
  const auto& signatures = bundle.meta_graph_def.signature_def();
  for (const auto& [name, _] : signatures) std::cout << name << "\n";

  tf::Env* env = tf::Env::Default();
  std::vector<std::string> folders;
  status = env->GetChildren(requests, &folders);
  std::sort(folders.begin(), folders.end());
  for (const std::string& folder : folders) {
    const std::string path = requests + "/" + folder;
    const auto signature = signatures.find(folder.substr(0, folder.find('-')));
    status = signature == signatures.end()
                 ? tf::errors::NotFound("no such signature: ", folder)
                 : Answer(bundle, signature->second, path);
    if (!status.ok()) {
      tf::Status written =
          tf::WriteStringToFile(env, path + "/error", status.ToString());
      if (!written.ok()) return 1;
    }
  }
  return 0;
}
