{{ config(materialized='table') }}
-- One row per year whose aggregates of paths this build writes again: of the touched days of the desks, and of the requests that what
-- was touched of their person can have changed.
select year_number
from {{ ref('int_iass__touched_year') }}
union
select cast(extract(year from pathway.contact_on) as integer)
from {{ ref('int_pathway__touched_person') }} as touched
inner join {{ ref('fct_pathway') }} as pathway
    on touched.person_key = pathway.person_key
where
    greatest(pathway.contact_on + {{ var('pathway_windows')[-1] }}, pathway.last_contact_on + {{ var('request_merge_days') }})
    >= touched.touched_from
