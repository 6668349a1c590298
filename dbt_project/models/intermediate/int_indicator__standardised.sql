-- One row per quarter, half-year or year and territory: persons per resident if the territory had the region's ages and sexes (direct
-- standardisation), with the variance of that rate. Weights are the region's residents in each sex and age band; a territory has the
-- residents of the districts and months that delivered.
select
    person.period_type,
    person.period_start_on,
    person.territory_level,
    person.territory_code,
    sum(person.n_persons) as n_persons,
    -- Numeric: sums that no order changes.
    sum(region.n_residents / total.n_residents * person.n_persons / residents.n_residents) as rate,
    sum(power(region.n_residents / total.n_residents, 2) * person.n_persons / power(residents.n_residents, 2)) as variance
from {{ ref('int_indicator__person') }} as person
inner join {{ ref('int_coverage__stratum') }} as residents
    on
        person.period_type = residents.period_type
        and person.period_start_on = residents.period_start_on
        and person.territory_level = residents.territory_level
        and person.territory_code = residents.territory_code
        and person.sex_code = residents.sex_code
        and person.age_band_key = residents.age_band_key
inner join {{ ref('int_population__stratum') }} as region
    on
        region.territory_level = 'region'
        and person.year_number = region.year_number
        and person.sex_code = region.sex_code
        and person.age_band_key = region.age_band_key
inner join {{ ref('int_population__residents') }} as total
    on
        total.territory_level = 'region'
        and person.year_number = total.year_number
group by 1, 2, 3, 4
