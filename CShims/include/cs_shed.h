/* What a launcher gives back while it only waits. */
#ifndef CS_SHED_H
#define CS_SHED_H

/*
 * Lets go of the pages of the program's text: what runs afterwards comes back by page faults.
 *
 * To take some 650 pages out of an address space is half of what a launcher's end costs, and whoever waits for the job waits
 * for that end. While the job runs it costs nobody anything.
 */
void cs_shed(void);

#endif
