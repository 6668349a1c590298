-- One row per episode and month in charge from the first period that its sender delivered: of what was before, only those are known
-- who were still there. Only of the years that this build writes again.
select
    month.*,
    service.service_family_code,
    service.service_code,
    service.service_group_code,
    service.intensity_rank,
    age_band.age_band_code,
    age_band.age_from
from {{ ref('fct_service_month') }} as month
inner join {{ ref('dim_service') }} as service
    on month.service_key = service.service_key
inner join {{ ref('dim_age_band') }} as age_band
    on month.age_band_key = age_band.age_band_key
where
    month.is_observed
    and {{ in_touched_years('month.month_on', 'int_service__touched_cell') }}
