/* <simlm/report.h>: checks of the caller's contract, then the library. */
#include "api/api.h"
#include "report/report.h"

void simlm_report_options_init(simlm_report_options *options)
{
    if (options)
        *options = (simlm_report_options){0};
}

simlm_status simlm_report(const simlm_report_options *options, simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->input);
    return sl_report_make(options, err);
}
