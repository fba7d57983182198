/* With what the store's texts are packed (base/pack.h): they are much the same for all runners. */
#ifndef DICTIONARY_H
#define DICTIONARY_H

extern const char record_dictionary[];

#endif
