// Input "data": batch x 3 x 18 x 24, float32.
// Output "prob1_output": batch x 2, float32.
// Output "fc3_output": batch x 4, float32.
// Preprocessing of "data":
//   channels: "BGR"
//   mean: 127.5
//   scale: 0.0078125
// ncnn computes with half precision where the processor can. For float32 set use_fp16_packed, use_fp16_storage
// and use_fp16_arithmetic of the net's opt to false before the net is loaded.

#include <cstdio>
#include <vector>

#include "net.h"

int main()
{
    ncnn::Net net;
    if (net.load_param("model.param") != 0 || net.load_model("model.bin") != 0)
        return 1;

    const int width0 = 640, height0 = 480;
    std::vector<unsigned char> pixels0(3 * width0 * height0); // RGB, however you read it
    ncnn::Mat in0 = ncnn::Mat::from_pixels_resize(
        pixels0.data(), ncnn::Mat::PIXEL_RGB2BGR, width0, height0, 24, 18);
    const float mean0[] = {127.5f, 127.5f, 127.5f};
    const float scale0[] = {0.0078125f, 0.0078125f, 0.0078125f};
    in0.substract_mean_normalize(mean0, scale0);

    ncnn::Extractor extractor = net.create_extractor();
    extractor.input("data", in0);

    ncnn::Mat out0;
    if (extractor.extract("prob1_output", out0) != 0)
        return 1;
    std::printf("out0: %d x %d x %d x %d\n", out0.c, out0.d, out0.h, out0.w);

    ncnn::Mat out1;
    if (extractor.extract("fc3_output", out1) != 0)
        return 1;
    std::printf("out1: %d x %d x %d x %d\n", out1.c, out1.d, out1.h, out1.w);

    return 0;
}
