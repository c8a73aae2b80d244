/* Learning rates: DeepSpeed's table (spec section 11), Hugging Face's shape; and
 * the temperature's. */
#include "check.h"

#include "train/finetune_step.h"
#include "train/schedule.h"

static void the_log_schedule_is_deepspeeds(void **state)
{
    static const struct {
        int64_t k;
        double lr;
    } golden[] = {
        {1, 2e-5},          {2, 0},
        {3, 2.00687e-6},    {4, 3.18081e-6},
        {10, 6.36162e-6},   {100, 1.33042e-5},
        {500, 1.79873e-5},  {1000, 1.99971e-5},
        {1001, 2e-5},       {1002, 2e-5},
        {2000, 1.89495e-5}, {20000, 2.10526e-9},
    };
    struct sl_schedule s;

    (void)state;
    check_ok(sl_schedule_init(&s, SIMLM_SCHEDULE_LOG, 2e-5, 1000, 20000, &err));
    for (size_t i = 0; i < SL_LEN(golden); i++) {
        double lr = sl_schedule_lr(&s, golden[i].k);

        check_msg(fabs(lr - golden[i].lr) <= 5e-6 * golden[i].lr,
                  "update %d: %.8g, not %.8g", (int)golden[i].k, lr,
                  golden[i].lr);
    }
}

static void linear_rises_from_zero_and_falls_to_zero(void **state)
{
    struct sl_schedule s;

    (void)state;
    check_ok(sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 1, 10, 110, &err));
    check_close(sl_schedule_lr(&s, 1), 0, 0);
    check_close(sl_schedule_lr(&s, 6), 0.5, 1e-15);
    check_close(sl_schedule_lr(&s, 11), 1, 0);
    check_close(sl_schedule_lr(&s, 61), 0.5, 1e-15);
    check_close(sl_schedule_lr(&s, 110), 0.01, 1e-15);
    check_close(sl_schedule_lr(&s, 111), 0, 0);

    check_ok(sl_schedule_init(&s, SIMLM_SCHEDULE_CONSTANT, 1, 10, 110, &err));
    check_close(sl_schedule_lr(&s, 6), 0.5, 1e-15);
    check_close(sl_schedule_lr(&s, 110), 1, 0);

    check_ok(sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 1, 0, 4, &err));
    check_close(sl_schedule_lr(&s, 1), 1, 0);
    check_close(sl_schedule_lr(&s, 4), 0.25, 0);
}

static void warmup_may_be_a_share_and_never_over_half(void **state)
{
    struct sl_schedule s;

    (void)state;
    check_ok(sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 1, 0.1, 500, &err));
    assert_int_equal(s.warmup, 50);
    check_ok(sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 1, 250, 500, &err));
    check_fails(SIMLM_E_ARG, "more than half",
                sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 1, 251, 500, &err));
    check_fails(SIMLM_E_ARG, "more than half",
                sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 1, 0.6, 500, &err));
    check_fails(SIMLM_E_ARG, "more than half",
                sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 1, NAN, 500, &err));
    check_fails(SIMLM_E_ARG, "learning rate",
                sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, NAN, 1, 500, &err));
    check_fails(SIMLM_E_ARG, "learning rate",
                sl_schedule_init(&s, SIMLM_SCHEDULE_LINEAR, 0, 1, 500, &err));
}

/* max(1, min(1, k / W) / t) behind k updates (spec 2.2), if vectors are of unit
 * length. */
static void the_temperature_warms_up_as_the_references(void **state)
{
    static const struct {
        int64_t done;
        double scale;
    } golden[] = {{0, 1},    {1, 1},       {20, 1},    {21, 1.05},
                  {500, 25}, {999, 49.95}, {1000, 50}, {5000, 50}};
    simlm_finetune_options o;

    (void)state;
    simlm_finetune_options_init(&o);
    assert_true(o.temperature == 0.02 && !o.temperature_warmup);
    check_close(sl_finetune_scale(&o, true, 1000, 0), 50, 1e-12);
    check_close(sl_finetune_scale(&o, false, 1000, 0), 1, 0);
    o.temperature_warmup = true;
    for (size_t i = 0; i < SL_LEN(golden); i++)
        check_close(sl_finetune_scale(&o, true, 1000, golden[i].done),
                    golden[i].scale, 1e-12);
    check_close(sl_finetune_scale(&o, false, 1000, 5000), 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_schedule_is_deepspeeds),
        cmocka_unit_test(linear_rises_from_zero_and_falls_to_zero),
        cmocka_unit_test(warmup_may_be_a_share_and_never_over_half),
        cmocka_unit_test(the_temperature_warms_up_as_the_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
