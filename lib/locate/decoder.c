/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/decoder.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <errno.h>

#include "locate/translate.h"

struct architecture {
    uint16_t machine;
    cs_arch arch;
    cs_mode mode;
    const struct convention *convention;
    void (*translate)(csh handle, const cs_insn *from, struct instruction *to);
};

static const struct architecture architectures[] = {
    {EM_X86_64, CS_ARCH_X86, CS_MODE_64, &convention_x86_64, translate_x86_64},
    {EM_AARCH64, CS_ARCH_ARM64, CS_MODE_ARM, &convention_aarch64, translate_aarch64},
};

struct decoder {
    const struct architecture *architecture;
    csh handle;
    cs_insn *scratch;
    uint32_t count; /* of instructions decoded */
};

int decoder_new(struct decoder **out, uint16_t machine)
{
    struct decoder *decoder;

    for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
        if (architectures[i].machine != machine)
            continue;
        decoder = calloc(1, sizeof(*decoder));
        if (!decoder)
            return -ENOMEM;
        decoder->architecture = &architectures[i];
        if (cs_open(architectures[i].arch, architectures[i].mode, &decoder->handle) != CS_ERR_OK ||
            cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK ||
            !(decoder->scratch = cs_malloc(decoder->handle))) {
            decoder_free(&decoder);
            return -ENOMEM;
        }
        *out = decoder;
        return 0;
    }
    return -ENOTSUP;
}

void decoder_free(struct decoder **decoder)
{
    if (!*decoder)
        return;
    if ((*decoder)->scratch)
        cs_free((*decoder)->scratch, 1);
    if ((*decoder)->handle)
        cs_close(&(*decoder)->handle);
    free(*decoder);
    *decoder = NULL;
}

const struct convention *decoder_convention(const struct decoder *decoder)
{
    return decoder->architecture->convention;
}

bool decoder_has_given_up(const struct decoder *decoder)
{
    return decoder->count == DECODER_INSTRUCTIONS_MAX;
}

bool decoder_decode(struct decoder *decoder, const uint8_t *bytes, size_t size, uint64_t address,
                    struct instruction *out)
{
    const uint8_t *code = bytes;
    uint64_t at = address;
    size_t left = size;

    if (decoder_has_given_up(decoder))
        return false;
    decoder->count++;
    if (!cs_disasm_iter(decoder->handle, &code, &left, &at, decoder->scratch))
        return false;
    *out = (struct instruction){
        .address = address,
        .size = (uint8_t)decoder->scratch->size,
        .destination = REGISTER_NONE,
        .source = REGISTER_NONE,
        .second = REGISTER_NONE,
        .memory = {.base = REGISTER_NONE, .index = REGISTER_NONE},
    };
    decoder->architecture->translate(decoder->handle, decoder->scratch, out);
    return true;
}
