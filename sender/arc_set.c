#include "sender/arc_set.h"

#include "base/ascii.h"
#include "sender/field.h"
#include "sender/tag.h"

static const struct str names[ARC_FIELDS] = {
    [ARC_RESULTS] = STR("ARC-Authentication-Results"),
    [ARC_SIGNATURE] = STR("ARC-Message-Signature"),
    [ARC_SEAL] = STR("ARC-Seal"),
};

/* RFC 6376 3.2: ALPHA *(ALPHA / DIGIT / "_") */
static bool is_tag_name(struct str name)
{
    bool ok = name.n > 0 && ascii_is_letter(name.s[0]);
    for (size_t i = 1; ok && i < name.n; i++)
        ok = ascii_is_word(name.s[i]);
    return ok;
}

/* Whether all of it is tags, each of them once: of two readers of another list either might be
 * right. A last ';' is fine. */
static bool is_tag_list(struct str list)
{
    struct str seen[ARC_TAGS_MAX], name, value, rest = list;
    size_t n = 0;
    while (tag_next(&rest, &name, &value)) {
        if (name.n == 0 && value.n == 0 && n > 0 && str_trim(rest).n == 0)
            return true;
        if (n == ARC_TAGS_MAX || !is_tag_name(name))
            return false;
        for (size_t i = 0; i < n; i++)
            if (str_eq(seen[i], name))
                return false;
        seen[n++] = name;
    }
    return n > 0;
}

/* i=: in results it stands first, in the others anywhere among the tags. */
static bool read_instance(enum arc_field kind, struct str *value, uint64_t *instance)
{
    struct str name, text, rest = *value;
    if (kind != ARC_RESULTS)
        return str_to_u64(tag_value(*value, STR("i")), ARC_SETS_MAX, instance) && *instance > 0;
    if (!tag_next(&rest, &name, &text) || !str_eq(name, STR("i")))
        return false;
    *value = rest;
    return str_to_u64(text, ARC_SETS_MAX, instance) && *instance > 0;
}

static const char *add_field(struct arc_sets *sets, enum arc_field kind, struct str raw,
                             const struct field *field)
{
    uint64_t instance;
    struct str value = field->value;
    if (!read_instance(kind, &value, &instance))
        return "a field has no instance";
    if (kind != ARC_RESULTS && !is_tag_list(value))
        return "a field is no list of tags";
    struct arc_set *set = &sets->list[instance - 1];
    if (set->field[kind].n > 0)
        return "a field stands there twice";
    set->field[kind] = str_sub(raw, field->at, (size_t)(field->value.s - raw.s) + field->value.n);
    set->value[kind] = value;
    if (instance > sets->n)
        sets->n = (unsigned)instance;
    return NULL;
}

/* RFC 8617 5.2 step 3: whole sets, and what each sealer found of those before it. */
static const char *check_structure(const struct arc_sets *sets)
{
    for (unsigned i = 0; i < sets->n; i++) {
        const struct arc_set *set = &sets->list[i];
        for (enum arc_field kind = ARC_RESULTS; kind < ARC_FIELDS; kind++)
            if (set->field[kind].n == 0)
                return "a set is not whole";
        struct str found = tag_value(set->value[ARC_SEAL], STR("cv"));
        if (str_eq(found, STR("fail")))
            return "a sealer found the chain broken";
        if (!str_eq(found, i == 0 ? STR("none") : STR("pass")))
            return "a seal does not say what it found";
        if (tag_value(set->value[ARC_SEAL], STR("h")).s)
            return "a seal names fields";
    }
    return NULL;
}

const char *arc_sets_read(struct str raw, struct arc_sets *sets)
{
    struct field_walk walk = field_walk_of(raw);
    struct field field;
    size_t bytes = 0;
    *sets = (struct arc_sets){.n = 0};
    while (field_next(&walk, &field))
        for (enum arc_field kind = ARC_RESULTS; kind < ARC_FIELDS; kind++) {
            if (!str_ieq(field.name, names[kind]))
                continue;
            bytes += field.end - field.at;
            const char *why = bytes > ARC_HEADER_MAX ? "the chain is too long"
                                                     : add_field(sets, kind, raw, &field);
            if (why)
                return why;
        }
    return check_structure(sets);
}
