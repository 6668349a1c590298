{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per episode of a service and month in charge, with every label: count persons distinct. Only months that are known:
-- before the first period that the sender delivered, one would see those alone who were still there later.
select
    fact.episode_key,
    fact.person_key,
    fact.month_on,
    day.year_number,
    day.month_label,
    fact.district_code,
    district.district_label,
    fact.ausl_code,
    fact.sender_code,
    service.service_family_code,
    service.service_family_label,
    service.service_group_label,
    service.service_code,
    service.service_label,
    fact.sex_code,
    fact.age_band_key,
    age_band.age_band_code,
    age_band.age_band_label,
    fact.n_starts,
    fact.n_ends,
    fact.in_charge_days,
    fact.presence_days,
    fact.n_accesses,
    fact.amount_eur,
    coalesce({{ is_d33za('fact', 'service') }}, false) as is_d33za
from {{ ref('fct_service_month') }} as fact
inner join {{ ref('dim_date') }} as day
    on fact.month_date_key = day.date_key
inner join {{ ref('dim_service') }} as service
    on fact.service_key = service.service_key
inner join {{ ref('dim_age_band') }} as age_band
    on fact.age_band_key = age_band.age_band_key
left join {{ ref('dim_territory') }} as district
    on
        district.territory_level = 'district'
        and fact.district_code = district.territory_code
        and fact.month_on between district.valid_from and district.valid_to
where fact.is_observed
