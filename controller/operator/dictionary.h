/* With what the store's texts are packed (base/pack.h): they are much the same for all runners. */
#ifndef OPERATOR_DICTIONARY_H
#define OPERATOR_DICTIONARY_H

extern const char record_dictionary[];

#endif
