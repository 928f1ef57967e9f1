/* A slow store, for a program that is started with this in LD_PRELOAD: the sync of a file whose path
 * holds TIDEGATE_SLOW_PATH takes longer, by the milliseconds that stand in the file
 * TIDEGATE_SLOW_FILE at that moment; where there is none, by nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void wait_if_meant(int file)
{
    const char *meant = getenv("TIDEGATE_SLOW_PATH"), *told = getenv("TIDEGATE_SLOW_FILE");
    char name[64], path[4096];
    if (!meant || !told)
        return;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0)
        return;
    path[length] = 0;
    FILE *from = strstr(path, meant) ? fopen(told, "r") : NULL;
    if (!from)
        return;
    long ms = 0;
    if (fscanf(from, "%ld", &ms) != 1)
        ms = 0;
    fclose(from);
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left))
        ;
}

int fsync(int file)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_if_meant(file);
    return next(file);
}

int fdatasync(int file)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_if_meant(file);
    return next(file);
}
