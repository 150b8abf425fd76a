// The shell's variables: a short list of NAME=VALUE.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define MAX_VARIABLES 256

struct variable {
    char *text; // NAME=VALUE
    size_t length; // of NAME
    int exported;
};

extern char **environ;
static struct variable variables[MAX_VARIABLES];
static int count;

char **arguments;
int argument_count;

static struct variable *find(const char *name, size_t length)
{
    for (int i = 0; i < count; i++)
        if (variables[i].length == length && memcmp(variables[i].text, name, length) == 0)
            return &variables[i];
    return NULL;
}

const char *get_variable(const char *name)
{
    const struct variable *found = find(name, strlen(name));
    return found ? found->text + found->length + 1 : NULL;
}

void set_variable(const char *name, const char *value, int exported)
{
    size_t length = strlen(name);
    struct variable *one = find(name, length);
    char *text = malloc(length + strlen(value) + 2);
    if (!text)
        give_up("no memory for variables");
    if (!one) {
        if (count == MAX_VARIABLES)
            give_up("too many variables");
        one = &variables[count++];
        *one = (struct variable){NULL, length, 0};
    }
    memcpy(text, name, length);
    text[length] = '=';
    strcpy(text + length + 1, value);
    free(one->text);
    one->text = text;
    if (exported >= 0)
        one->exported = exported;
}

void unset_variable(const char *name)
{
    struct variable *one = find(name, strlen(name));
    if (one) {
        free(one->text);
        *one = variables[--count];
    }
}

size_t export_block(char *block, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        size_t length = strlen(variables[i].text) + 1;
        if (!variables[i].exported)
            continue;
        if (length > size - used)
            return 0;
        memcpy(block + used, variables[i].text, length);
        used += length;
    }
    return used;
}

int is_assignment(const char *text)
{
    int length = 0;
    char c;
    while ((c = text[length]) == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (length && c >= '0' && c <= '9'))
        length++;
    return c == '=' ? length : 0;
}

void import_environment(void)
{
    for (char **one = environ; one && *one; one++) {
        size_t before = mark();
        int length = is_assignment(*one);
        if (length)
            set_variable(take_text(*one, (size_t)length), *one + length + 1, 1);
        release(before);
    }
}
