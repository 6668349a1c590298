-- One row per request and milestone that was reached in the last window: the first event of its kind, and the strongest reason to
-- believe that it belongs to the request.
with followed as (
    select
        request.demand_key,
        request.contact_on,
        request.regional_code,
        request.destination_codes,
        event.event_on,
        event.event_number,
        event.event_type_code,
        event.service_family_code,
        event.applicant_type_code
    from {{ ref('int_pathway__request') }} as request
    inner join {{ ref('fct_person_event') }} as event
        on
            request.person_key = event.person_key
            and event.event_on between request.contact_on and request.contact_on + {{ var('pathway_windows')[-1] }}
    where event.event_type_code in ('assessment', 'taking_in_charge', 'service_start')
)

select distinct on (followed.demand_key, milestone.milestone_code)
    followed.demand_key,
    milestone.milestone_code,
    followed.event_on as reached_on,
    followed.event_on - followed.contact_on as days_between,
    case
        when followed.service_family_code = any(followed.destination_codes) then 'destination'
        when applicant.is_from_desk then 'applicant'
        when answer.regional_code is not null then 'demand_type'
        else 'person'
    end as link_source_code
from followed
cross join
    lateral unnest(
        case followed.event_type_code
            when 'assessment' then array['assessment']
            when 'taking_in_charge' then array['charge']
            else array['service', followed.service_family_code]
        end
    ) as milestone (milestone_code)
left join {{ ref('applicant_link') }} as applicant
    on
        followed.service_family_code = applicant.service_family_code
        and followed.applicant_type_code = applicant.applicant_type_code
left join {{ ref('demand_service') }} as answer
    on
        followed.regional_code = answer.regional_code
        and followed.service_family_code = answer.service_family_code
        and {{ is_valid_on('answer', 'followed.contact_on') }}
order by followed.demand_key, milestone.milestone_code, followed.event_number
