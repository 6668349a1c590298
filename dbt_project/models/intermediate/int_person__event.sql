-- One row per event of a person whom this build writes again: from the facts of the desks, the services and the registry.
select
    touched.person_key,
    contact.contact_on as event_on,
    'contact' as event_type_code,
    cast(null as text) as service_family_code,
    -3::bigint as service_key,
    -3::bigint as demand_type_key,
    -3::bigint as outcome_type_key,
    -3::bigint as end_reason_key,
    cast(null as text) as applicant_type_code,
    'contact' as event_source_code,
    contact.contact_key as source_key,
    contact.district_code,
    contact.ausl_code
from {{ ref('int_person__touched_event') }} as touched
inner join {{ ref('fct_contact') }} as contact
    on touched.person_key = contact.reporter_person_key
union all
select
    touched.person_key, demand.contact_on, 'demand', null, -3, demand.demand_type_key, -3, -3, null,
    'demand', demand.demand_key, demand.district_code, demand.ausl_code
from {{ ref('int_person__touched_event') }} as touched
inner join {{ ref('fct_demand') }} as demand
    on touched.person_key = demand.person_key
union all
select
    touched.person_key, outcome.contact_on, 'outcome', nullif(service.destination_service_code, '-3'), -3,
    outcome.demand_type_key, outcome.outcome_type_key, -3, null, 'outcome', outcome.outcome_key, outcome.district_code,
    outcome.ausl_code
from {{ ref('int_person__touched_event') }} as touched
inner join {{ ref('fct_outcome') }} as outcome
    on touched.person_key = outcome.person_key
inner join {{ ref('dim_destination_service') }} as service
    on outcome.destination_service_key = service.destination_service_key
union all
select
    touched.person_key, event.event_on, event.event_type_code, event.service_family_code, event.service_key, -3, -3,
    event.end_reason_key, event.applicant_type_code, 'service', event.episode_key, event.district_code, event.ausl_code
from {{ ref('int_person__touched_event') }} as touched
inner join {{ ref('int_service__event') }} as event
    on touched.person_key = event.person_key
union all
select
    event.person_key, event.event_on, event.event_type_code, null, -3, -3, -3, -3, null, 'registry',
    event.person_key, event.district_code, event.ausl_code
from {{ ref('int_person__registry_event') }} as event
