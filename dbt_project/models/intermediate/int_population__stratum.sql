{{ config(
    tags='from_seeds',
    materialized='table',
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'sex_code', 'age_band_key'], 'unique': true}]
) }}
-- One row per year, territory, sex and age band: residents on the reference day of int_population__residents.
select
    district.year_number,
    place.territory_level,
    place.territory_code,
    district.sex_code,
    district.age_band_key,
    sum(district.n_residents) as n_residents
from {{ ref('int_population__district') }} as district
inner join {{ ref('int_territory__member') }} as member
    on
        member.territory_level = 'district'
        and district.district_code = member.territory_code
        and make_date(district.year_number, 1, 1) between member.valid_from and member.valid_to
{{ places('member.district_code', 'member.ausl_code') }}
-- The desks' history begins in 2010; a stratum is needed only for years that can have contacts.
where district.year_number >= 2010
group by 1, 2, 3, 4, 5
