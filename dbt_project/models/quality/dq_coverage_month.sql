{{ config(indexes=[{'columns': ['month_on', 'district_code'], 'unique': true}]) }}
-- One row per district and calendar month of every year in which anybody delivered anything: which subjects came (the desks, each family
-- of services, any family, any family that tells euro), and which months and years of them lie in what anybody delivered.
{% set subjects = [('iass', 'IASS'), ('far', 'FAR'), ('adi', 'ADI'), ('smac', 'SMAC'), ('sisam', 'SISAM')] %}
select
    month_on,
    district_code,
    min(ausl_code) as ausl_code,
    district_code || ' ' || to_char(month_on, 'YYYY-MM') as district_month_code,
    {% for name, code in subjects %}
        bool_or(is_received) filter (where subject_code = '{{ code }}') as is_{{ name }}_received,
    {% endfor %}
    bool_or(is_received) filter (where subject_code <> 'IASS') as is_any_service_received,
    bool_or(is_received) filter (where subject_code in ('FAR', 'SMAC')) as is_any_tariff_received,
    {% for name, code in subjects %}
        bool_or(is_observed) filter (where subject_code = '{{ code }}') as is_{{ name }}_observed,
    {% endfor %}
    bool_or(is_year_whole) filter (where subject_code = 'FAR') as is_far_year_whole
from (
    select
        month.*,
        bool_and(month.is_observed) over (
            partition by month.subject_code, month.district_code, extract(year from month.month_on)
        ) as is_year_whole
    from {{ ref('int_coverage__month') }} as month
) as month
group by month_on, district_code
